"""The aiohttp shell: dispatch, problem answers, limits, request ids, serving. It decides nobody's access."""
