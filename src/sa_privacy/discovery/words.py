"""The words that names of columns and tables are made of, in English and in romaji. Facts, and no code.

A phrase stands as its tokens, with a blank between. The number is its weight in points
(:mod:`~sa_privacy.discovery.evidence`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = ["ABOUT", "ASKS", "NEUTRAL", "OF_PEOPLE", "PEOPLE", "PHRASES", "PLACES", "ROMAJI", "THINGS", "WEAK"]


def _weighted(said: dict[str, dict[int, str]]) -> MappingProxyType[tuple[str, ...], tuple[str, int]]:
    return MappingProxyType(
        {
            tuple(phrase.strip().split()): (kind, points)
            for kind, weights in said.items()
            for points, phrases in weights.items()
            for phrase in phrases.split(",")
        }
    )


#: What says what a column holds.
PHRASES: Final = _weighted(
    {
        "name": {
            32: "first name, last name, given name, family name, middle name, full name, maiden name, birth name, surname, "
            "fname, lname, forename, legal name, real name, name first, name last, patronymic, firstname, lastname, fullname",
            24: "display name, nick name, nickname, preferred name, salutation, recipient, addressee, attention to, honorific, "
            "contact person, signatory, account holder, cardholder, card holder, next of kin",
            18: "author, committer, initials, signature, attn",
        },
        "email": {
            32: "email address, email, e mail, mail address, emails, mailaddress, emailaddress",
            18: "mail, reply to, cc, bcc, mailto",
            14: "recipients",
        },
        "phone": {
            30: "phone, telephone, mobile phone, cell phone, mobile number, phone number, tel, telno, telephone number, cellphone, "
            "home phone, work phone, msisdn, phones",
            26: "fax, cell, whatsapp, sms number, mobile",
        },
        "address": {
            30: "street address, postal address, home address, address line, mailing address, zip code, postal code, post code, "
            "zipcode, postcode, street name, house number, billing address, shipping address, delivery address",
            26: "address, addr, addresses, zip, street, residence, apartment number, suburb",
            22: "city, prefecture, pref, municipality, town, county, building, municipalities, locality",
            12: "state, province, district, region, country",
        },
        "birthday": {
            36: "birth date, date of birth, birthday, birthdate, dob, born on, birth day, born, birth year, year of birth, birth, "
            "birth month, date birth",
            24: "age",
        },
        "gender": {32: "gender, sex, pronouns"},
        "account": {
            28: "username, user name, login name, login, login id, userid login, screen name, account name, user login, handle",
            14: "alias, uname, principal, logon",
        },
        "credential": {
            32: "password, passwd, pwd, password hash, hashed password, passphrase, pin code, secret question, secret answer, "
            "security question, security answer, api key, access token, refresh token, auth token, reset token, otp secret, "
            "totp secret, mfa secret, recovery code, backup codes, private key, salt, secret key, key hash, session token, "
            "password digest, password salt, password reset",
            22: "secret, token, session key, session id, passcode, pin, cookie, auth code, credential, credentials, api token",
        },
        "official_id": {
            36: "ssn, social security number, social security, my number, national id, passport number, passport, passport no, "
            "driver license, drivers license, driver licence, driving licence, license number driver, tax id, tin, nin, "
            "identity card, id card, residence card, nric, aadhaar, vat personal, insurance number, personal number, cpf, "
            "health insurance number, pension number, national identifier, licence number",
        },
        "person_number": {
            20: "customer number, member number, employee number, patient number, student number, employee code, member code, "
            "customer code, staff number, membership number, mrn, medical record number, customer no, member no, employee no",
        },
        "bank_account": {
            32: "bank account, account number, iban, bic, swift, bank account number, sort code, routing number, bank code, "
            "bank branch, bank name, branch code, bank, acct no, account no",
        },
        "card": {
            34: "card number, credit card, cc number, card no, pan, cvv, cvc, card expiry, card last4, last4, card brand, "
            "creditcard, card digits",
        },
        "income": {
            28: "salary, income, wage, wages, net worth, hourly rate pay, payroll, bonus pay, monthly salary, annual income, hourly wage"
        },
        "ip_address": {
            32: "ip address, ip addr, client ip, remote ip, remote addr, remote address, login ip, user ip, ipv4, ipv6, ip, ipaddress, "
            "signup ip, source ip, last ip",
        },
        "online_id": {
            26: "device id, device token, user agent, useragent, mac address, imei, cookie id, advertising id, idfa, visitor id, "
            "push token, fingerprint device, line id, twitter, facebook, instagram, linkedin, github, skype, discord id, "
            "facebook id, google id, twitter id, telegram, slack id, social id, openid, external user id, browser id, "
            "mobile phone id",
            14: "website, homepage, personal url",
        },
        "location": {18: "latitude, longitude, lat, lng, lon, geo, coordinates, gps, last location, geolocation"},
        "photo": {
            28: "avatar, profile picture, profile image, photo of person, profile photo, portrait, headshot, selfie, face image",
            10: "photo, picture, image",
        },
        "health": {
            32: "blood type, diagnosis, allergy, allergies, medication, medications, disability, height cm, weight kg, pregnancy, "
            "medical history, symptoms, medical condition, prescription, blood pressure, illness, disease, vaccination, "
            "dietary requirements, dietary restrictions",
        },
        "origin": {
            32: "nationality, ethnicity, race, religion, political opinion, citizenship, place of birth, birthplace, birth place, "
            "birth country, country of birth, sexual orientation, trade union, criminal record, immigration status, visa type, "
            "mother tongue, birth city, visa status, caste",
        },
        "family": {
            28: "marital status, spouse, mother name, father name, parent name, guardian, children count, dependents, "
            "emergency contact, mothers maiden, number of children, kinship, household size, emergency contact relation",
        },
        "occupation": {
            26: "job title, occupation, employer, profession, affiliation, position title, job, company of employment, workplace, "
            "school name, university",
            8: "company, company name, organization, organisation, department",
        },
        "profile": {
            22: "user data, personal data, user info, profile data, identity data, customer data, about me, bio, biography, profile, attributes of user, interests, personal info"
        },
        "notes": {
            14: "comment, comments, note, notes, remark, remarks, memo, message, feedback, inquiry, enquiry, complaint, review text, "
            "answer, answers, free text, mail body, special instructions, delivery instructions, gift message, question, opinion",
            6: "body, text, content, reason, description",
        },
    }
)

#: Japanese words in Latin letters, as the Hepburn system would write them without long vowels.
ROMAJI: Final = _weighted(
    {
        "name": {
            34: "shimei, namae, furigana, yomigana, myoji, kanji shimei, kana shimei, sei kana, mei kana, furikana",
            22: "sei, mei, kana, yomi, tantosha, tantosha mei",
        },
        "email": {30: "meru, meru adoresu"},
        "phone": {34: "denwa, denwa bango, keitai, keitai denwa, renrakusaki"},
        "address": {
            34: "jusho, yubin, yubin bango, yubin no, banchi, todofuken, shikuchoson, kyojuchi, tatemono, genjusho",
        },
        "birthday": {36: "seinengappi, tanjobi, nenrei, umare"},
        "gender": {34: "seibetsu, danjo"},
        "occupation": {28: "shokugyo, kinmusaki, shokushu, shozoku kigyo, kaisha mei, yakushoku"},
        "official_id": {36: "kojin bango, mai nanba, menkyo bango, ryoken bango, hoken bango"},
        "person_number": {22: "kaiin bango, kokyaku bango, shain bango, kaiin no, shain no, shikibetsu code"},
        "bank_account": {32: "koza bango, koza meigi, ginko mei, koza, meigi"},
        "income": {28: "kyuyo, nenshu, gekkyu, nenpo"},
        "origin": {30: "kokuseki, shusshin, honseki, shukyo"},
        "family": {28: "kazoku, haigusha, zokugara, tsuzukigara, hogosha"},
        "health": {30: "ketsueki, ketsuekigata, byoreki, shogai, byomei"},
        "credential": {28: "pasuwado, ansho bango, ansho"},
        "notes": {12: "biko, tokki, memo, iken, goiken, toiawase"},
    }
)

#: Who a row may be, or whose a value may be.
PEOPLE: Final = frozenset(
    """account admin administrator agent applicant attendee author beneficiary billing buyer candidate cardholder caller
    child client clinician coach consignee contact contributor creator customer cust debtor doctor donor driver editor
    emergency employee emp enrollee friend guardian guest holder household human individual influencer instructor insured
    invitee invitation landlord lead learner lecturer manager member mentor mother father parent neighbour occupant operator
    organizer orderer owner participant passenger patient payer payee person people personnel player prospect pupil
    receiver recipient referee registrant registration reporter representative resident respondent reviewer sender
    salesperson shipping signer signup speaker spouse staff student subscriber subscription teacher tenant traveler
    traveller trainee user users visitor volunteer voter winner witness worker profile contactee billto shipto delivery
    kokyaku kaiin shain jugyoin riyosha moshikomisha tokuisaki hihokensha member kojin seito gakusei kanja persons""".split()
)

#: What has a name, an address or a telephone, and is nobody.
THINGS: Final = frozenset(
    """action album api app application archive article artist asset attachment attribute bank base block board book branch brand
    bucket bug build builder building bundle bus calendar campaign car cart catalog catalogue category chain channel chart
    city class codebase collection college color colour column command commit company component compose config constraint
    container contract country coupon course currency dashboard data database dataset deal department device directory
    discount district division document domain domains enum environment event exam extension factory feature feed field file
    filter flag folder font form format formula franchise function game genre group hall header hospital host hotel icon
    image index industry ingredient integration inventory issue item job key keyword label language layer layout level
    library license list location log logo machine maker market material media menu metric migration model module movie
    namespace network news newsletter node object office operation option organisation organization package page parameter
    part partner path payment permission pipeline place plan platform plugin policy port post process product program
    project property provider publisher queue recipe record region release report repository resource restaurant role
    room route row rule scheduler schema school season section sensor series server service session setting shop site size sku
    source spawner state station status step stock storage store street style subject supplier survey system table tag target
    task team template tenancy test testcase theme ticket tier title token tool topic track type unit university update url
    value variable variant vendor version video view vehicle volume warehouse webhook website worker workflow workspace zone
    manufacturer merchant affiliations affiliation shisetsu shohin kaisha tenpo mise kamoku bumon kyoka location""".split()
)  # fmt: skip

#: Among things, those that have addresses and telephones of their own: a person may answer there.
PLACES: Final = frozenset(
    """affiliation bank branch building city clinic company department factory hall hospital hotel location maker manufacturer merchant
    office organisation organization partner place publisher restaurant room school server shisetsu shop site station
    store supplier university vendor warehouse kaisha tenpo mise network domain host apartment facility""".split()
)

#: Endings that say something about the value, and are not it.
ABOUT: Final = frozenset(
    """at allowed algorithm attempts bounced bounces by cat category changed checked class color column confirmed
    confirmation count counter created cnt date deleted delivered digest disabled domain duration enabled error errors expired
    expires expiry expiration failed failures field fields flag flg format group hidden id ids index interval invalid is
    kind label language last length level limit list locked method missing mode modified option options order
    path pattern per permission points point policy position preference preferences prefix priority provider quota rank
    ratio read received rejected required requests results retries schema score sent sequence service setting settings shown
    size sort source state stats status step subject suffix synced template time timestamp times total type types unsubscribed
    updated usage valid validated validity verified verification version visible visibility""".split()
)

#: Beginnings that ask or order something.
ASKS: Final = frozenset(
    """is has can allow allows accept show hide enable enabled disable send sent use uses require requires needs notify
    obscure confirm verify validate check num count total max min should was include includes opt default show max ticket""".split()
)

#: Words that change nothing about what a column holds.
NEUTRAL: Final = frozenset(
    """1 2 3 4 5 no num number nr code cd value val text str string raw line lines encrypted enc hash normalized normalised
    canonical lower upper plain new old primary secondary main alt alternate alternative current previous kana kanji
    katakana hiragana romaji roman local ja jp en ymd url uri a b english japanese latin extra full other original hashed
    temp tmp home work business mobile office private personal permanent emergency billing shipping delivery json data
    blob file display furigana reading info""".split()
)

#: Kinds whose words are weak unless the table is of people, or belongs to some.
WEAK: Final = frozenset({"notes", "occupation", "location", "photo", "profile"})

#: What a table of people has: a column of these kinds.
OF_PEOPLE: Final = frozenset({"birthday", "gender", "credential", "family", "health", "origin"})
