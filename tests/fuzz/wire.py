"""The other end of a connection, which says what it was given to say."""

import io


class Spoken:
    """A socket that has its whole answer ready, and keeps what is sent to it."""

    def __init__(self, answer: bytes) -> None:
        self.sent = b""
        self._answer = answer

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self._answer))

    def gettimeout(self) -> float:
        return 60.0

    def settimeout(self, _: float) -> None: ...

    def setsockopt(self, *_: object) -> None: ...

    def shutdown(self, _: int) -> None: ...

    def close(self) -> None: ...
