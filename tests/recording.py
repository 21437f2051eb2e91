"""The upstream as it was recorded, beside the repository, and the control of its server."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from waiting import HANGS

RECORDED = Path(__file__).parents[2] / "shared" / "upstream"

needs_recording = pytest.mark.skipif(not RECORDED.is_dir(), reason="../shared/upstream is not here")


class Recording:
    """The recorded upstream's server and its control."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, **changes: Any) -> None:
        """Change what it answers; see serve.py."""
        self._post("/_control", changes)

    def reset(self) -> None:
        """Return to what was recorded, and forget the requests."""
        self._post("/_reset", {})

    def answer_all(self) -> None:
        """Return once earlier requests are answered, also those of a process that was killed: this one takes longer."""
        self.control(latency_ms=500)
        urllib.request.urlopen(f"{self.url}/ergast/f1/2023/races.json", timeout=HANGS).close()

    def requests(self) -> list[str]:
        """The paths requested since the last reset."""
        with urllib.request.urlopen(f"{self.url}/_requests", timeout=HANGS) as answer:
            return [request["path"] for request in json.load(answer)]

    def _post(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method="POST")
        urllib.request.urlopen(request, timeout=HANGS).close()
