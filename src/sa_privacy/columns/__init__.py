"""Where SQLAlchemy columns meet the policy: annotations, the sealed type, and the catalogue of what holds what."""

from sa_privacy.columns.annotation import Annotation, DataSubject, annotation_of, pii_column
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable, SubjectPath
from sa_privacy.columns.lookup import Lookup, LookupSpec
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.columns.searching import lookup_key
from sa_privacy.columns.subject_sealed import SubjectEncrypted

__all__ = [
    "Annotation",
    "Catalogue",
    "DataSubject",
    "Encrypted",
    "Lookup",
    "LookupSpec",
    "PersonalColumn",
    "PersonalTable",
    "SubjectEncrypted",
    "SubjectPath",
    "annotation_of",
    "lookup_key",
    "pii_column",
]
