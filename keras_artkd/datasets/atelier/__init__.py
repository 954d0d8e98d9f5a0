"""Painted scenes in many styles, made here: no download, no copyright.

Every scene exists in every style, so what is painted says nothing about the
label and how it is painted says everything.
"""

from .generate import contact_sheet as contact_sheet
from .generate import generate as generate
from .scene import SUBJECTS as SUBJECTS
from .styles import STYLES as STYLES
from .styles import paint as paint
