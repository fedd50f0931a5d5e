"""Holds how surely it is known who signs a pack, as for the signatures of reviews: the tenant's minimum, two components,
and what a passkey or an identity provider signed has to name this very statement.

The functions are those of `reviews`; they read the level, the digest and the authentication, which all signatures have.
"""

from django.db import migrations

TRIGGERS = """
ALTER TABLE evidence_packsignoff ADD CONSTRAINT pack_signature_rests_on_two_components
    CHECK (jsonb_array_length(methods) >= 2);
CREATE TRIGGER pack_signature_proves_who_signs BEFORE INSERT ON evidence_packsignoff
    FOR EACH ROW EXECUTE FUNCTION reviews_signature_proves_who_signs();
CREATE TRIGGER pack_signature_was_asked_of_the_provider BEFORE INSERT ON evidence_packsignoff FOR EACH ROW
    WHEN (NEW.level = 'provider') EXECUTE FUNCTION reviews_provider_proves_who_signs();
"""
NO_TRIGGERS = """
ALTER TABLE evidence_packsignoff ADD CONSTRAINT pack_signature_rests_on_two_components
    CHECK (jsonb_array_length(methods) >= 2);
DROP TRIGGER pack_signature_was_asked_of_the_provider ON evidence_packsignoff;
DROP TRIGGER pack_signature_proves_who_signs ON evidence_packsignoff;
ALTER TABLE evidence_packsignoff DROP CONSTRAINT pack_signature_rests_on_two_components;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("evidence", "0004_sign_packs_by_the_identity_provider"),
        ("reviews", "0012_sign_by_the_identity_provider"),
    ]

    operations = [migrations.RunSQL(TRIGGERS, NO_TRIGGERS)]
