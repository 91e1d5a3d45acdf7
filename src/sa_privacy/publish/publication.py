"""All that is published of a policy: the files, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sa_privacy.columns import Catalogue
from sa_privacy.policy import Policy
from sa_privacy.publish.datamap import draw_map, map_page
from sa_privacy.publish.dpv import as_dpv
from sa_privacy.publish.facts import facts_of
from sa_privacy.publish.notice import as_markdown, as_page, make_notice
from sa_privacy.publish.processing import activities, as_csv, as_plain
from sa_privacy.publish.speaker import languages_of

__all__ = ["RECORD", "make_publication"]

RECORD: Final = "processing.json"
"""The file that holds what was published as values, too."""


def make_publication(
    policy: Policy, catalogue: Catalogue | None, languages: Sequence[str] | None = None
) -> dict[str, bytes]:
    """The contents of all files, by name. The same policy and models give the same bytes.

    :param languages: of the policy; None: all of them that there are words in.
    :raises PolicyError: Jinja2 is not installed.
    """
    wanted = languages_of(policy) if languages is None else tuple(languages)
    files: dict[str, str] = {}
    for language in wanted:
        notice = make_notice(policy, catalogue, language)
        files[f"notice.{language}.md"] = as_markdown(notice)
        files[f"notice.{language}.html"] = as_page(notice, wanted)
        files[f"processing.{language}.csv"] = as_csv(policy, catalogue, language)
        files[f"data-map.{language}.svg"] = draw_map(policy, catalogue, language)
        files[f"data-map.{language}.html"] = map_page(policy, catalogue, language)
    files["policy.jsonld"] = _json(as_dpv(policy, catalogue))
    files[RECORD] = _json(
        {
            "policy": {"id": policy.id, "version": policy.version, "hash": policy.hash},
            "files": sorted([*files, RECORD]),
            "activities": as_plain(activities(policy, catalogue)),
            "facts": facts_of(policy, catalogue),
        }
    )
    return {name: text.encode("utf-8", "replace") for name, text in sorted(files.items())}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
