"""Which track a spelling means: its URI where there is one, else its artist and title, however they are written."""

import hashlib
import unicodedata


def identify(uri: str | None, artist: str | None, title: str | None) -> str | None:
    """The trimmed URI, else `name:` and 32 hexadecimal digits of artist and title; None without URI and title."""
    if uri is not None and uri.strip():
        return uri.strip()
    plain_title = _plain(title or "")
    if not plain_title:
        return None
    named = f"{_plain(artist or '')}\u001f{plain_title}"
    return f"name:{hashlib.blake2b(named.encode(), digest_size=16).hexdigest()}"


def _plain(name: str) -> str:
    """Folding the case can undo the normal form, hence twice."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())
