"""Which track, artist and album a spelling means, however the names are written."""

import hashlib
import unicodedata


def identify(uri: str | None, artist: str | None, title: str | None) -> str | None:
    """The track: the trimmed URI, else `name:` and 32 hexadecimal digits of artist and title; None without either."""
    if uri is not None and uri.strip():
        return uri.strip()
    plain_title = _plain(title or "")
    return _hashed("name", f"{_plain(artist or '')}\u001f{plain_title}") if plain_title else None


def identify_artist(artist: str | None) -> str | None:
    """`artist:` and 32 hexadecimal digits of the name; None without one."""
    plain_artist = _plain(artist or "")
    return _hashed("artist", plain_artist) if plain_artist else None


def identify_album(artist: str | None, album: str | None) -> str | None:
    """`album:` and 32 hexadecimal digits of artist and title; None without a title, while an artist is not needed."""
    plain_album = _plain(album or "")
    return _hashed("album", f"{_plain(artist or '')}\u001f{plain_album}") if plain_album else None


def identify_genres(names: list[str] | None) -> list[str]:
    """The genres in their plain spelling, each once and in order."""
    return sorted({_plain(name) for name in names or ()} - {""})


def _hashed(kind: str, names: str) -> str:
    return f"{kind}:{hashlib.blake2b(names.encode(), digest_size=16).hexdigest()}"


def _plain(name: str) -> str:
    """Folding the case can undo the normal form, hence twice."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())
