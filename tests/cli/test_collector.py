"""The garbage collector while a command loads, and afterwards."""

import subprocess
import sys

CODE = """
import gc
usual = gc.get_threshold()
from nexus.cli import collector
collector.rest_while_loading()
assert gc.isenabled() and gc.get_threshold()[0] >= 50 * usual[0]
collector.resume()
assert gc.isenabled() and gc.get_threshold() == usual and gc.get_freeze_count() > 0
"""


def test_the_collector_rests_while_code_is_loaded_and_works_as_usual_once_the_host_serves():
    subprocess.run([sys.executable, "-c", CODE], check=True)
