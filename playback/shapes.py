"""What a value looks like without saying what it is: `de` is `aa`, `Hotel 7` is `Aaaaa 9`."""

_LONGEST = 24


class _Shapes(dict[int, str]):
    """Code point → what stands for it; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character.isalpha():
            stands = "A" if character.isupper() else "a"
        elif character.isdigit():
            stands = "9"
        else:
            stands = character if character.isascii() and character.isprintable() else "?"
        self[code] = stands
        return stands


_SHAPES = _Shapes()


def shape(value: object) -> str:
    """The shape of a JSON value: of a text in quotes, of a number its digits; lists and objects are but named.

    Letters become `a` and `A`, digits `9`; what is longer than 24 characters ends in `…`.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = str(value)
    stands = text[:_LONGEST].translate(_SHAPES) + ("…" if len(text) > _LONGEST else "")
    return f'"{stands}"' if isinstance(value, str) else stands
