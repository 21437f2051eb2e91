"""The images that the tests start, built before them, in whatever time that takes.

python tests/docker/image.py
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from stack import build_stand_in, docker, has_postgres

ROOT = Path(__file__).parents[2]
BUILT = "f1-flows:test"


def image() -> str:
    """The image: F1_IMAGE, or built here; where no engine answers, one is started if the means are there."""
    try:
        docker("info")
    except AssertionError:
        engine = ROOT.parent / "shared" / "docker" / "engine.sh"
        assert engine.exists(), "no Docker engine answers"
        subprocess.run([engine], check=True)
    if given := os.environ.get("F1_IMAGE"):
        return given
    index = ("--build-arg", "PIP_INDEX_URL", "--build-arg", "PIP_EXTRA_INDEX_URL")
    docker("build", "--network", "host", *index, "--tag", BUILT, str(ROOT), seconds=None, merged=True)
    return BUILT


if __name__ == "__main__":
    print(image(), flush=True)
    if not has_postgres():
        build_stand_in()
