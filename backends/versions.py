"""Whether the packages of a backend are as new as pyproject.toml requires."""

from importlib.metadata import PackageNotFoundError, requires, version


def too_old(name: str) -> str:
    """The first too old package of that extra, in words; "" if there is none, or it is unknown."""
    try:
        from packaging.requirements import Requirement

        wanted = [Requirement(text) for text in requires("diagjac") or ()]
    except (ImportError, PackageNotFoundError):  # a checkout that is not installed
        return ""
    for one in wanted:
        if one.marker and one.marker.evaluate({"extra": name}):
            found = _version(one.name)
            if found and not one.specifier.contains(found, prereleases=True):
                return f"{one.name} {found} is installed, {one.name}{one.specifier} is needed"
    return ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # importing it reports that it is missing
        return ""
