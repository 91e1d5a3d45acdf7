"""Where SQLAlchemy columns meet the policy: annotations, the sealed type, and the catalogue of what holds what."""

from sa_privacy.columns.annotation import Annotation, DataSubject, Lookup, annotation_of, pii_column
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable, SubjectPath
from sa_privacy.columns.sealed import Encrypted

__all__ = [
    "Annotation",
    "Catalogue",
    "DataSubject",
    "Encrypted",
    "Lookup",
    "PersonalColumn",
    "PersonalTable",
    "SubjectPath",
    "annotation_of",
    "pii_column",
]
