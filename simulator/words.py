"""Texts of the people in the world, and names of things."""

TOPICS = ("billing", "outage", "delivery", "quality", "how_to")
TOPIC_WEIGHTS = (0.3, 0.25, 0.15, 0.15, 0.15)
PRIORITIES = ("low", "normal", "high")
TICKET_CHANNELS = ("email", "chat", "web")
LANGUAGES = ("en", "de", "et")

COMPLAINTS = {
    "en": {
        "billing": "I was charged twice this month, please correct my bill.",
        "outage": "The service has been down since last night.",
        "delivery": "My parcel still has not arrived.",
        "quality": "It stops working again and again.",
        "how_to": "How do I change my address?",
    },
    "de": {
        "billing": "Mir wurde der Betrag zweimal abgebucht.",
        "outage": "Seit gestern Abend geht nichts mehr.",
        "delivery": "Mein Paket ist noch immer nicht da.",
        "quality": "Es bleibt ständig hängen.",
        "how_to": "Wie ändere ich meine Adresse?",
    },
    "et": {
        "billing": "Minult võeti raha kaks korda.",
        "outage": "Teenus ei tööta eilsest õhtust saati.",
        "delivery": "Minu pakk ei ole ikka veel kohal.",
        "quality": "See jookseb pidevalt kokku.",
        "how_to": "Kuidas ma oma aadressi muudan?",
    },
}

PAGES = ("/", "/products", "/products/new", "/account", "/help", "/pricing", "/account/cancel")
CALM_PAGES = (0.25, 0.25, 0.15, 0.22, 0.06, 0.06, 0.01)
FADING_PAGES = (0.20, 0.12, 0.05, 0.22, 0.10, 0.18, 0.13)
DEVICES = ("phone", "desktop", "tablet")
REFERRERS = ("", "https://search.example/", "https://news.example/")
SEARCHES = ("cancel subscription", "change plan", "invoice", "opening hours")
PRODUCTS = ("atlas", "borealis", "cumulus", "delta")
CATEGORIES = ("music", "books", "home", "devices")
FORMS = ("contact", "feedback", "callback")
INTENTS = ("help", "complaint", "renewal", "quote", "other")
CONTENTS = tuple(f"title-{number}" for number in range(1, 201))
GATHERINGS = ("webinar", "user_day", "training")
STORES = ("tallinn", "tartu", "riga", "berlin")
NETWORKS = ("mastodon", "forum", "video")
PRAISE = ("Love it.", "Works as promised.", "Could not do without.")
GRUMBLES = ("Not what it used to be.", "Support never answers.", "Too dear for what it is.")
CALL_OUTCOMES = ("resolved", "follow_up", "hung_up")
CALL_PURPOSES = ("support", "sales", "retention")
RETURN_REASONS = ("damaged", "wrong_size", "not_as_described")
REFUSALS = ("card_expired", "insufficient_funds", "bank_error")
LEAD_SOURCES = ("fair", "web", "referral", "partner")
LOSS_REASONS = ("price", "competitor", "no_budget")
VERDICTS = ("acknowledged", "snoozed", "resolved", "false_alarm")
REGIONS = ("north", "south", "east", "west")
SECTORS = ("health", "retail", "finance", "public")
ROLES = ("owner", "engineer", "buyer")
GENDERS = ("female", "male", "other")
TIME_ZONES = ("Europe/Tallinn", "Europe/Berlin", "Europe/London")
OWNERS = ("rep-anna", "rep-bo", "rep-chen", "rep-dana")
