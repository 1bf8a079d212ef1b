"""TargetEncoder: the same look-up tables as the other encoders, filled by its own answers."""

from sklearn.preprocessing import TargetEncoder

from export.converters.converter import Converter
from export.converters.encode import check_categories, convert

CONVERTERS: dict[type, Converter] = {
    TargetEncoder: Converter(transform=convert, check=check_categories, takes_text=True),
}
