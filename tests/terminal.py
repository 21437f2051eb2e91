"""A terminal whose output a test reads."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios


class Terminal:
    """A terminal with a number of columns, whose output can be read."""

    def __init__(self, columns: int, lines: int = 24) -> None:
        self.reader, self.writer = pty.openpty()
        fcntl.ioctl(self.writer, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def text(self) -> str:
        """Everything that was written; to be called once, after the writers have ended."""
        os.close(self.writer)
        parts = []
        while True:
            try:
                part = os.read(self.reader, 65536)
            except OSError:  # Linux's end of file
                part = b""
            if not part:
                os.close(self.reader)
                return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(parts).decode())
            parts.append(part)
