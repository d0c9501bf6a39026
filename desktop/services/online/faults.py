"""What the network and the servers said, as sentences a person understands.

Invariant: an `OSError`, an error of httpx2 or one of huggingface_hub's that enters `told` leaves it as a `UserError`;
none of its text is a server's own words. Whether something is tried again is for those who asked to say.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from desktop.core.errors import N_, GatedError, HubError, NetworkError, Sealed, UserError
from desktop.engine.seal import Refused
from desktop.services.online.tokens import unusable

if TYPE_CHECKING:
    import httpx2

SEALED = N_("Alcove is offline, as you set it. Nothing was sent. Switch “Offline” off to use the network.")
_CERTIFICATE = N_(
    "The certificate of {host} is not trusted ({reason}), so nothing was sent. Check the date of this computer, or "
    "install your network's certificate."
)
_PROXY = N_("The proxy did not let Alcove through to {host}. Check the proxy of this computer.")
_SLOW = N_("{host} did not answer in time. Check the connection, or try again later.")
_NONE = N_("There is no connection to {host}. Check the network; what is here already is kept.")
_NO_SERVER = N_("The connection failed. Check the network; what is here already is kept.")
_BROKEN = N_("The connection to {host} broke off. What has arrived is kept.")
_GATED = N_(
    "The author of “{repo}” asks for consent first. Open {url}, accept the terms, and enter your token in the settings."
)
_TOKEN = N_("“{repo}” is not open to everyone, or does not exist. If it is yours, enter your token in the settings.")
_VARIABLE = N_(
    "“{repo}” asks for a token, and what the environment variable HF_TOKEN holds is none. Correct or remove it, and "
    "start Alcove again."
)
_WRONG_TOKEN = N_(
    "The Hub does not accept your token. Make a new one in your account there and enter it in the settings."
)
_GONE = N_("“{repo}” is not on the Hub. Check the name; it may have been renamed or removed.")
_NOT_THERE = N_("{host} does not have it (status {status}). Check the address.")
_NOT_GIVEN = N_("{host} does not let Alcove have it (status {status}). Check the address; it may ask for an account.")
_NO_FILE = N_("“{repo}” does not hold this file any more. Open the repository again to see what it holds.")
BUSY = N_("The Hub asks for a pause of {seconds:.0f} seconds: too many requests. Then try again.")
_ILL = N_("{host} has a problem of its own (status {status}). Try again later.")
_ODD = N_("{host} answered with something unexpected ({status}). Try again later.")
UNSAFE = N_("{host} was to be asked without encryption, so it was not. Use an address that begins with https.")

_LIMIT = re.compile(r";\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d{1,9})")
_LONGEST_WAIT_S = 3600.0


class Unsafe(NetworkError):
    """A redirect, or an address, that would have left encryption behind: no later attempt ends otherwise."""


@contextmanager
def told(repo: str = "", page: str = "") -> Iterator[None]:
    """Lets network and HTTP errors out as `NetworkError`, `Sealed`, `HubError` or `GatedError`.

    `repo` names what was asked for, `page` is where its terms are accepted.
    """
    import httpx2  # late, as everywhere: see `web`

    try:
        yield
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError) as error:
        raise sentence(error, repo, page) from error


def sentence(error: Exception, repo: str = "", page: str = "") -> UserError:
    """One error of httpx2 or huggingface_hub, as what a person reads."""
    import httpx2

    response = getattr(error, "response", None)
    if isinstance(response, httpx2.Response):
        return refused(response, repo, page)
    host = _host(error)
    causes = list(_causes(error))
    if any(isinstance(cause, Refused) for cause in causes):
        return Sealed(SEALED)
    if not host:
        return NetworkError(_NO_SERVER)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NetworkError(_CERTIFICATE, host=host, reason=cause.verify_message)
    if any(isinstance(cause, httpx2.ProxyError) for cause in causes):
        return NetworkError(_PROXY, host=host)
    if any(isinstance(cause, httpx2.TimeoutException) for cause in causes):
        return NetworkError(_SLOW, host=host)
    if any(isinstance(cause, httpx2.ReadError | httpx2.WriteError | httpx2.RemoteProtocolError) for cause in causes):
        return NetworkError(_BROKEN, host=host)
    if any(isinstance(cause, httpx2.TooManyRedirects | httpx2.DecodingError) for cause in causes):
        return HubError(_ODD, host=host, status=type(error).__name__)
    return NetworkError(_NONE, host=host)


def refused(response: httpx2.Response, repo: str = "", page: str = "") -> UserError:
    """A status that is no success. The Hub says more in `X-Error-Code` (huggingface_hub: `hf_raise_for_status`)."""
    status, code, host = response.status_code, response.headers.get("X-Error-Code", ""), response.url.host
    unused = unusable() and "Authorization" not in [*response.history, response][0].request.headers
    if code == "GatedRepo":
        return GatedError(
            _VARIABLE if unused else _GATED,
            repo=repo or host,
            url=page or f"{response.url.scheme}://{response.url.netloc.decode()}/{repo}",
        )
    if status == 401 and response.headers.get("X-Error-Message", "").startswith("Invalid credentials"):
        return HubError(_WRONG_TOKEN)
    if code in ("EntryNotFound", "RevisionNotFound") or status in (401, 403, 404, 410, 451):
        closed = status in (401, 403)
        if repo in ("", host):  # a search, or a file of another host
            return HubError(_NOT_GIVEN if closed else _NOT_THERE, host=host, status=status)
        if closed:
            return HubError(_VARIABLE if unused else _TOKEN, repo=repo)
        return HubError(_NO_FILE if code.startswith(("Entry", "Revision")) else _GONE, repo=repo)
    if status == 429:
        return HubError(BUSY, seconds=retry_after(response.headers, time.time()) or 60.0)
    return HubError(_ILL if status >= 500 else _ODD, host=host, status=status)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait as a server wishes, at most an hour.

    `Retry-After` is seconds or a date (RFC 9110, 10.2.3); the Hub also says when its window ends, in `RateLimit`
    (huggingface_hub: `parse_ratelimit_headers`).
    """
    from email.utils import mktime_tz, parsedate_tz

    if limit := _LIMIT.search(headers.get("ratelimit", "")):
        return min(float(limit[1]), _LONGEST_WAIT_S)
    said = headers.get("retry-after", "").strip()
    if said.isdecimal():
        return min(float(said), _LONGEST_WAIT_S)
    date = parsedate_tz(said) if said else None
    return min(max(mktime_tz(date) - now, 0.0), _LONGEST_WAIT_S) if date else None


def _host(error: Exception) -> str:
    """Whom it was about; "" where the error knows no request."""
    import httpx2

    try:
        request = getattr(error, "request", None)
    except RuntimeError:
        return ""
    return request.url.host if isinstance(request, httpx2.Request) else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
