"""Words in values: given names, streets and genders in English, French, Italian, German and Spanish.

Short lists of what is common. They are meant for a column of many values: most single values need not be in them.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, each once."""
    return frozenset(text.split())


_ENGLISH = (
    "james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark donald "
    "steven paul andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary nicholas eric "
    "jonathan stephen larry justin scott brandon benjamin samuel gregory frank alexander patrick raymond jack dennis jerry "
    "tyler aaron adam nathan henry peter kyle noah ethan jeremy walter sean austin oliver harry liam lewis callum jordan "
    "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley "
    "kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca sharon laura cynthia kathleen amy angela "
    "shirley brenda pamela nicole samantha katherine emma ruth christine catherine helen rachel carolyn janet maria heather "
    "diane julie joyce victoria kelly christina joan evelyn lauren judith olivia megan hannah alice jean sophie charlotte "
    "lucy chloe grace amelia holly abigail natalie gemma leanne joanne tracy dawn damian gavin graham neil ian simon stuart "
    "jamie dean craig russell phillip philip keith roger terry gerald albert arthur lawrence douglas cody travis dustin"
)
_FRENCH = (
    "jean pierre michel andré philippe rené louis alain jacques bernard marcel daniel roger robert paul claude henri "
    "christian nicolas georges patrick gérard christophe julien françois frédéric laurent stéphane sébastien david pascal "
    "éric thierry olivier antoine guillaume alexandre maxime vincent thomas mathieu matthieu jérôme arnaud benoît hugo lucas "
    "théo gabriel raphaël emmanuel xavier gilles denis yves guy luc marc martin rémy tristan victor william zacharie adrien "
    "marie nathalie isabelle sylvie catherine martine christine françoise valérie sandrine stéphanie véronique sophie céline "
    "chantal patricia anne brigitte julie monique aurélie nicole laurence annie émilie dominique virginie corinne camille "
    "élodie caroline léa manon chloé inès margot margaud pauline charlotte hélène agnès claire alice juliette louise "
    "jacqueline jeanne denise suzanne madeleine simone thérèse odette lucie élise édith alix amélie anaïs aimée susan "
    "geneviève gabrielle josette capucine constance diane éléonore zoé joséphine michelle mathilde noémi océane colette"
)
_ITALIAN = (
    "giuseppe giovanni antonio mario luigi francesco angelo vincenzo pietro salvatore carlo franco domenico bruno paolo "
    "michele giorgio aldo sergio luciano marco andrea alessandro matteo lorenzo davide luca simone stefano roberto riccardo "
    "federico gabriele leonardo fabio claudio massimo maurizio enrico filippo tommaso giacomo daniele nicola alberto alessio "
    "maria anna rosa angela giovanna teresa lucia carmela caterina francesca antonietta carla elena concetta rita margherita "
    "giulia chiara sara martina giorgia valentina alessia silvia elisa paola laura federica beatrice alice ilaria gaia "
    "sofia aurora ginevra bianca eleonora camilla roberta daniela patrizia barbara cristina stefania monica simona lucrezia "
    "gianluca pierluigi raffaele cesare umberto dario gino fabrizio donatella ornella graziella gabriella antonella loredana"
)
_GERMAN = (
    "peter michael thomas andreas wolfgang klaus jürgen günter stefan christian uwe werner horst frank dieter manfred "
    "gerhard hans bernd torsten mathias helmut walter heinz martin jörg rolf jens sven alexander jan rainer holger karl "
    "dirk joachim ralf carsten herbert oliver wilhelm kurt markus heinrich harald paul hermann otto felix maximilian lukas "
    "leon jonas ursula karin helga sabine ingrid renate monika susanne gisela petra birgit andrea anna brigitte claudia "
    "erika christa elke stefanie gertrud elisabeth maria angelika heike gabriele kathrin ilse nicole anja barbara hildegard "
    "martina ingeborg gerda marion jutta ute hannelore irmgard christine inge christina silke margarete kerstin tanja "
    "ulrike anneliese katja johanna lena leonie hanna annette doris evelyn frieda greta heidi katharina käthe magdalena"
)
_SPANISH = (
    "antonio josé manuel francisco juan david javier daniel carlos jesús alejandro miguel rafael pedro pablo ángel sergio "
    "fernando jorge luis alberto álvaro diego adrián raúl enrique ramón vicente iván rubén óscar andrés joaquín santiago "
    "eduardo víctor roberto jaime mario ignacio alfonso salvador ricardo marcos jordi emilio julián guillermo gabriel tomás "
    "agustín félix gonzalo hugo maría carmen ana isabel dolores pilar teresa josefa rosa cristina ángeles antonia laura "
    "francisca elena mercedes luisa marta rosario lucía concepción sara paula juana manuela raquel beatriz rocío patricia "
    "encarnación victoria montserrat julia inmaculada silvia irene esther nuria yolanda margarita sonia alicia alba susana "
    "noelia lorena natalia claudia amparo eva ainhoa nerea aitana begoña consuelo esperanza remedios ximena fátima"
)
_PLAIN = str.maketrans("áàâäãéèêëíìîïóòôöúùûüçñ", "aaaaaeeeeiiiioooouuuucn")


def without_accents(text: str) -> str:
    """Lower-case text without its accents."""
    return text.lower().translate(_PLAIN)


_ALL = " ".join((_ENGLISH, _FRENCH, _ITALIAN, _GERMAN, _SPANISH)).split()
GIVEN_NAMES = frozenset([*_ALL, *map(without_accents, _ALL)])

STREETS = words(
    "street st road rd avenue ave lane ln drive dr boulevard blvd court ct square sq terrace close crescent way place "
    "rue chemin allée quai impasse cours bd via viale piazza corso vicolo largo strada borgo contrada incrocio "
    "rotonda canale stretto calle avenida avda plaza paseo camino carretera ronda travesía pasaje alameda rambla cañada "
    "hill hills heights grove gardens park path pike point ridge run trace view vista valley walk mews row meadow meadows "
    "prairie plain plains ford fort forest forge spring springs station stream summit tunnel turnpike union village ville "
    "brook bridge branch bluff bend bayou beach bypass canyon cape center circle cliff club common corner cove creek crest "
    "crossing curve dale dam divide estate expressway extension fall falls ferry field fields flat flats freeway garden gateway "
    "glen green harbor haven hollow inlet island isle junction key keys knoll lake lakes land landing light loaf lock lodge loop "
    "mall manor mill mills mission motorway mount mountain neck orchard oval overpass pass passage pine pines plaza port ports "
    "radial ramp ranch rapid rapids rest river route shoal shore shores skyway spur stravenue throughway track trafficway "
    "underpass viaduct well wells suite apt apartment unit studio "
    "callejón glorieta vial cuesta urbanización acceso platz weg ring ufer damm parkway highway trail"
)

#: Said of people; ``women`` and ``men`` are departments of a shop as well, and count beside a telling name only.
GENDERS = words(
    "female male non-binary nonbinary féminin masculin masculine feminine femmina maschio femminile maschile "
    "weiblich männlich divers femenino masculino hembra varón"
)
GENDERS_OF_THINGS_TOO = words(
    "woman man women men femme homme donna uomo frau mann mujer hombre other unknown"
)

#: A value with one of these is about a thing: ``Victoria bag``.
THING_WORDS = words(
    "bag shoe shoes dress shirt coat jacket skirt scarf belt boot boots ring watch silk leather cotton wool black white "
    "red blue green brown beige store shop street road city hotel inc ltd gmbh sarl spa sas plc llc sons group and und "
    "port lake north south east west new saint sainte san santa sur mer bourg ville view side mouth "
    "et y e the of sac robe borsa sciarpa tasche kleid bolso vestido paris milan milano london"
)
