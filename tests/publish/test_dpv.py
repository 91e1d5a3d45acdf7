"""The policy for machines is JSON-LD, all of whose terms are those of the Data Privacy Vocabulary; nothing is fetched."""

from __future__ import annotations

from typing import Any

from pyld import jsonld

from sa_privacy.publish.dpv import as_dpv
from tests.publish.shop import POLICY, catalogue

DPV, PD = "https://w3id.org/dpv#", "https://w3id.org/dpv/pd#"
#: Terms of DPV 2.x, looked up there: https://w3id.org/dpv and https://w3id.org/dpv/pd
TERMS = {
    *("Authority", "Consent", "DataController", "DataProcessor", "DataSubject", "DiscloseByTransmission"),
    *("EncryptionAtRest", "Match", "PersonalData", "PrivacyNotice", "Process", "Purpose", "Record", "Retrieve"),
    *("StorageDeletion", "StorageDuration", "ThirdCountry", "ThirdParty", "hasAddress", "hasContact"),
    *("hasDataController", "hasDataProcessor", "hasDataSubject", "hasDuration", "hasLegalBasis", "hasName"),
    *("hasPersonalData", "hasProcessing", "hasPurpose", "hasRecipient", "hasRecipientThirdParty", "hasRepresentative"),
    *("hasStorageCondition", "hasTechnicalMeasure", "hasThirdCountry"),
    *("CommunicationForCustomerCare", "CustomerOrderManagement", "DeliveryOfGoods", "DirectMarketing"),
    *("ImproveExistingProductsAndServices", "PaymentManagement"),
}
DATA = {
    *("EmailAddress", "Name", "Opinion", "PhysicalAddress", "Purchase", "ServiceConsumptionBehaviour"),
    *("TelephoneNumber", "Transaction"),
}


def _never(url: str, options: Any) -> Any:
    raise AssertionError(f"fetches {url}")


def _nodes() -> dict[str, dict[str, Any]]:
    flat = jsonld.flatten(as_dpv(POLICY, catalogue()), None, {"documentLoader": _never})
    return {node["@id"]: node for node in flat}


NODES = _nodes()


def _process(title: str) -> dict[str, Any]:
    titles = {"@value": title, "@language": "en"}
    (found,) = (
        node
        for node in NODES.values()
        if f"{DPV}Process" in node.get("@type", ()) and titles in node["http://purl.org/dc/terms/title"]
    )
    return found


def _ids(node: dict[str, Any], term: str) -> set[str]:
    return {one["@id"] for one in node.get(f"{DPV}{term}", ())}


def test_every_term_is_one_of_the_vocabulary() -> None:
    triples = jsonld.to_rdf(as_dpv(POLICY, catalogue()), {"documentLoader": _never})["@default"]
    used = {end for triple in triples for end in (triple["predicate"]["value"], triple["object"]["value"])}
    assert {one.removeprefix(DPV) for one in used if one.startswith(DPV)} <= TERMS
    assert {one.removeprefix(PD) for one in used if one.startswith(PD)} == DATA


def test_a_purpose_is_a_process_with_its_terms_data_and_processor() -> None:
    shipping = _process("Sending the goods and asking for payment")
    assert _ids(shipping, "hasPurpose") == {f"{DPV}DeliveryOfGoods", f"{DPV}PaymentManagement"}
    assert _ids(shipping, "hasPersonalData") == {f"{PD}Name", f"{PD}PhysicalAddress", f"{PD}TelephoneNumber"}
    assert _ids(shipping, "hasTechnicalMeasure") == {f"{DPV}EncryptionAtRest"}
    assert _ids(shipping, "hasLegalBasis") == set()
    (processor,) = _ids(shipping, "hasDataProcessor")
    assert NODES[processor]["@type"] == [f"{DPV}DataProcessor"]
    (kept,) = _ids(shipping, "hasStorageCondition")
    assert NODES[kept][f"{DPV}hasDuration"][0]["@value"] == "P3Y"


def test_consent_is_the_basis_where_people_are_asked() -> None:
    campaigns = _process("Telling customers about campaigns, products and services")
    assert _ids(campaigns, "hasLegalBasis") == {f"{DPV}Consent"}
    assert _ids(campaigns, "hasTechnicalMeasure") == set()  # how the service was used is not sealed
    abroad = _process("Example Surveys Inc.")
    assert _ids(abroad, "hasLegalBasis") == {f"{DPV}Consent"}
    (recipient,) = _ids(abroad, "hasRecipientThirdParty")
    assert f"{DPV}hasThirdCountry" in NODES[recipient]
    assert _ids(_process("Police and courts"), "hasLegalBasis") == set()


def test_names_stay_when_the_policy_changes_and_the_hash_is_there() -> None:
    (notice,) = (node for node in NODES.values() if f"{DPV}PrivacyNotice" in node.get("@type", ()))
    assert notice["http://purl.org/dc/terms/identifier"] == [{"@value": POLICY.hash}]
    assert as_dpv(POLICY, None)["@graph"][0]["@id"] == notice["@id"]
