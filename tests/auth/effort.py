"""How many examples a property test tries: few by default, more where `NEXUS_TEST_EFFORT` says how many times more."""

import os

from hypothesis import HealthCheck, settings

EFFORT = max(1, int(os.environ.get("NEXUS_TEST_EFFORT", "1")))


def examples(count: int) -> settings:
    return settings(
        max_examples=count * EFFORT, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
