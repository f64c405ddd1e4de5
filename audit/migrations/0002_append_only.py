"""Let only the owner of the tables change or remove what was recorded."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_LEVEL = 'STATEMENT' THEN RETURN NULL; END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
"""
TRIGGER = """
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER append_only_table BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""
BACK = """
DROP TRIGGER append_only_rows ON {table};
DROP TRIGGER append_only_table ON {table};
"""
TABLES = ("audit_event", "audit_personaldataread")


class Migration(migrations.Migration):
    """Add the triggers; the privileges themselves are given by `grant_app_role`."""

    dependencies = [("audit", "0001_initial")]
    operations = [
        migrations.RunSQL(
            FORWARD + "".join(TRIGGER.format(table=table) for table in TABLES),
            "".join(BACK.format(table=table) for table in TABLES) + "DROP FUNCTION audit_refuse_change();",
        )
    ]
