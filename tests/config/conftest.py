from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nexus.config.loading import Loaded, load
from nexus.config.scrubber import Scrubber

Load = Callable[..., Loaded]


@pytest.fixture
def scrubber() -> Scrubber:
    return Scrubber()


@pytest.fixture
def load_files(tmp_path: Path, scrubber: Scrubber) -> Load:
    """Writes files, and loads what lies in their folder."""

    def load_files(
        files: Mapping[str, str] | str = "",
        *,
        named: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
        environment: str | None = None,
        flags: Mapping[str, object] | None = None,
    ) -> Loaded:
        texts = {"config.toml": files} if isinstance(files, str) else files
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        return load(
            [tmp_path / name for name in named],
            environment=environment,
            environ=environ or {},
            flags=flags,
            directory=tmp_path,
            scrubber=scrubber,
        )

    return load_files
