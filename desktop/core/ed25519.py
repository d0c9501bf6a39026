"""Whether an Ed25519 signature is true (RFC 8032, 5.1.7), so that one file a day can be checked without a library of
eight megabytes.

Invariant: nothing here is secret, so it need not take the same time for every key; a point or a number that is not
written in its one canonical form is refused. Nothing is signed here: `packaging/sign_update.py` does that.
"""

from __future__ import annotations

from hashlib import sha512

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493  # of the base point
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # of -1

Point = tuple[int, int, int, int]  # X, Y, Z and T of RFC 8032, 5.1.4: x = X/Z, y = Y/Z, x·y = T/Z


def verified(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the owner of this public key signed the message; takes some milliseconds."""
    if len(key) != 32 or len(signature) != 64:
        return False
    owner, random = _point(key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if owner is None or random is None or scalar >= _ORDER:
        return False
    digest = int.from_bytes(sha512(signature[:32] + key + message).digest(), "little") % _ORDER
    return _same(_times(scalar, _BASE), _sum(random, _times(digest, owner)))


def _point(written: bytes) -> Point | None:
    """RFC 8032, 5.1.3; None where no point of the curve is written so."""
    sign, y = written[31] >> 7, int.from_bytes(written, "little") & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * _ROOT % _P
    if x * x % _P != square or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _sum(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c, d = 2 * one[3] * other[3] * _D % _P, 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(count: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while count:
        if count & 1:
            total = _sum(total, point)
        point, count = _sum(point, point), count >> 1
    return total


def _same(one: Point, other: Point) -> bool:
    return all((one[at] * other[2] - other[at] * one[2]) % _P == 0 for at in (0, 1))


_BASE = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or (0, 1, 1, 0)
