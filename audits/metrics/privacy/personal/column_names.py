"""What a column's name says that it holds, in English, French, Italian, German and Spanish."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from audits.metrics.privacy.personal.patterns import (
    ADDRESS,
    BIRTH,
    CARD,
    COORDINATES,
    DEVICE_ID,
    EMAIL,
    GENDER,
    IBAN,
    IP,
    MAC,
    NATIONAL_ID,
    PERSON,
    PERSON_ID,
    PHONE,
    POSTCODE,
    SOCIAL,
    TEXT,
)
from audits.metrics.privacy.personal.person_words import without_accents, words

#: Confidence that a telling name gives by itself, and one that is often said of other things too.
SURE, VAGUE = 0.75, 0.5

_SURE: Mapping[str, str] = MappingProxyType(
    {
        EMAIL: "email mail emailaddress mailaddress courriel adressemail posta postaelettronica indirizzoemail correo "
        "correoelectronico emailadresse",
        PHONE: "phone phonenumber telephone telephonenumber mobile mobilephone mobilenumber cell cellphone cellulare portable "
        "telefono telefon telefonnummer handy handynummer movil tel telefonino fax msisdn whatsapp numerotelephone",
        CARD: "cardnumber creditcard creditcardnumber cc ccnumber pan paymentcard cartebancaire numerocarte cartacredito "
        "numerocarta kreditkarte kreditkartennummer tarjeta numerotarjeta tarjetacredito cartecredit",
        IBAN: "iban bankaccount accountnumber kontonummer numerocompte cuentabancaria contocorrente numeroconto",
        IP: "ip ipaddress ipaddr clientip remoteip remoteaddr adresseip indirizzoip ipadresse direccionip",
        MAC: "mac macaddress macaddr adressemac",
        SOCIAL: "instagram twitter tiktok facebook linkedin handle socialhandle instagramhandle socialprofile wechat weibo "
        "profileurl",
        NATIONAL_ID: "ssn socialsecurity socialsecuritynumber nationalid nationalidnumber taxid nino nationalinsurance nhs "
        "nhsnumber nir numerosecuritesociale secu codicefiscale dni nif nie idnr steuerid steueridnr "
        "steueridentifikationsnummer steuernummer sozialversicherungsnummer ahv ahvnummer bsn pesel cpf personnummer "
        "passport passportnumber passeport passaporto reisepass pasaporte drivinglicence driverlicense insee idcard "
        "seguridadsocial niss rijksregisternummer numeroregistrenational",
        COORDINATES: "lat latitude latitud latitudine breitengrad lon lng long longitude longitud longitudine laengengrad "
        "langengrad latlon latlng gps gpscoordinates coordinates coordonnees coordinate coordenadas koordinaten geo "
        "geolocation gpslat gpslon",
        PERSON: "firstname lastname surname familyname givenname fullname middlename maidenname forename username customername "
        "clientname contactname personname prenom nomfamille nomclient nomcomplet cognome nomecognome nomecliente nomecompleto "
        "vorname nachname familienname kundenname nombrecompleto apellido apellidos primerapellido segundoapellido "
        "nombrecliente fname lname cardholder cardholdername recipientname",
        ADDRESS: "streetaddress homeaddress postaladdress addressline address1 address2 addressline1 addressline2 "
        "shippingaddress billingaddress deliveryaddress customeraddress adressepostale rue adresselivraison strasse "
        "hausnummer anschrift wohnadresse indirizzoresidenza domicilio direccionpostal address adresse indirizzo direccion "
        "street calle",
        BIRTH: "birthdate birthday dob dateofbirth birthyear yearbirth birth datebirth born datenaissance naissance "
        "anneenaissance datanascita nascita annonascita geburtsdatum geburtstag geburtsjahr geboren fechanacimiento nacimiento "
        "anonacimiento bday",
        GENDER: "gender sex sexe sesso geschlecht sexo genero",
        POSTCODE: "postcode postalcode zip zipcode codepostal codicepostale plz postleitzahl codigopostal",
        PERSON_ID: "householdkey loyaltycard customer client",
        DEVICE_ID: "deviceid deviceidentifier idfa idfv gaid adid aaid advertisingid cookieid cookie imei imsi androidid udid "
        "sessionid fingerprint browserid geraeteid iddispositif iddispositivo identifiantappareil",
    }
)
_VAGUE: Mapping[str, str] = MappingProxyType(
    {
        PERSON: "name nome nom person contact",
        PHONE: "contactnumber numero",
        POSTCODE: "cap cp",
        ADDRESS: "domicile residence wohnort",
        GENDER: "genre",
        CARD: "card",
        TEXT: "notes comment comments remarks message commentaire kommentar bemerkung nota note osservazioni observaciones "
        "freetext feedback transcript",
    }
)
_PEOPLE = words(
    "customer cust client user member membership person patient employee account loyalty household visitor shopper subject "
    "contact cliente utente utilisateur usuario kunde kunden benutzer mitarbeiter abonne adherent socio tessera"
)
_IDENTIFIERS = words("id ids uid guid uuid no nr num number numero key code codice codigo nummer ref")
_WORDS = {
    word: (category, strength)
    for strength, listed in ((VAGUE, _VAGUE), (SURE, _SURE))
    for category, listing in listed.items()
    for word in listing.split()
}
_WORDS |= {
    word: (PERSON_ID, SURE) for who in _PEOPLE for what in _IDENTIFIERS for word in (who + what, what + who)
}
#: Left out of names before they are compared: ``date de naissance`` is ``datenaissance``.
_SMALL = words("de du des d di del della dello da la le les el of the der die das und and y l")
#: What follows says something of a thing, or counts and judges: then the name is no evidence about a person.
_OF_THINGS = words(
    "product item sku brand store shop warehouse supplier company campaign category model file column "
    "table channel department season collection colour color size material server host api event feature job task "
    "produit marque magasin boutique fournisseur prodotto marchio negozio fornitore artikel marke filiale lieferant "
    "producto marca tienda proveedor page image website site domain metric segment team plan city country region"
)
_ABOUT = words(
    "count counts total sum avg mean share rate ratio score prob probability flag is has opt optin optout consent "
    "verified valid sent opened clicks open click type status length len age days segment cluster rank per bounced "
    "subscribed allowed anzahl nombre nb tot"
)
#: Words that tell something only as the whole name: ``customer_email`` is no identifier of a customer.
_ALONE = words(
    "customer client name nome nom person contact card cap cp cc pan long geo born genre cookie numero street "
    "note notes comment comments message feedback mobile portable cell"
)
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_MOST_JOINED = 4


def name_words(name: str) -> list[str]:
    """The words of a name, split at separators and changes of case, lower case, without accents and small words.

    Examples
    --------
    >>> name_words("dateDeNaissance"), name_words("Customer_E-Mail")
    (['date', 'naissance'], ['customer', 'e', 'mail'])
    """
    plain = "".join(without_accents(c) if c.islower() else without_accents(c).upper() for c in name)
    return [word.lower() for word in _PARTS.findall(plain.replace("ß", "ss")) if word.lower() not in _SMALL]


def is_of_things(name: str) -> bool:
    """Whether a name speaks of a product, a shop or a company: what it holds is then hardly about a person."""
    return not _OF_THINGS.isdisjoint(name_words(name))


def named_categories(name: str) -> dict[str, float]:
    """Categories that a name says, each with the confidence that the name alone gives, in (0, 1].

    Longer runs of words come first, and a word is used once: ``ip_address`` is no address. Names of things
    (``store_name``) and of what is counted or asked about a person (``email_opt_in``) say nothing.
    """
    parts = name_words(name)
    if is_of_things(name) or _ABOUT.intersection(parts):
        return {}
    found: dict[str, float] = {}
    used: set[int] = set()
    for length in range(min(_MOST_JOINED, len(parts)), 0, -1):
        for start in range(len(parts) - length + 1):
            places = set(range(start, start + length))
            joined = "".join(parts[start : start + length])
            known = _WORDS.get(joined)
            if known and not places & used and (joined not in _ALONE or length == len(parts)):
                used |= places
                found[known[0]] = max(known[1], found.get(known[0], 0.0))
    return found
