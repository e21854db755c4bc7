"""The image's health check: exit code 0 while the service in this container says that it is live."""

from __future__ import annotations

import http.client
import os
import ssl
import sys

TIMEOUT_S = 4


def connect(port: int) -> http.client.HTTPConnection:
    """To this host; with HTTPS whatever the certificate says, as it is made for another name."""
    if not os.environ.get("HTTP_TLS_CERT"):
        return http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_S, context=context)


def main() -> int:
    """Asks /health/live on this host; 0 for status 200, else 1."""
    port = int(os.environ.get("HTTP_PORT") or 3000)
    connection = connect(port)
    try:
        connection.request("GET", "/health/live")
        return int(connection.getresponse().status != http.client.OK)
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer from 127.0.0.1:{port}: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
