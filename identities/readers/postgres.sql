-- Who may do what in this database: one row for each role that can log in and each right that it holds, with the roles
-- through which it holds it. PostgreSQL 13 to 18; any role may run it, for the catalogs are open to all. It changes
-- nothing. Roles count for the whole server, rights on objects for the database in which it runs: run it in each.
WITH RECURSIVE held AS (
    SELECT r.oid AS login, r.oid AS role, NULL::text AS via, 0 AS depth, ARRAY[r.oid] AS path
    FROM pg_roles r WHERE r.rolcanlogin
    UNION ALL
    SELECT h.login, m.roleid, CASE h.depth WHEN 0 THEN '' ELSE concat_ws(' in ', nullif(h.via, ''), me.rolname) END COLLATE "default",
        h.depth + 1, h.path || m.roleid
    FROM held h
    JOIN pg_auth_members m ON m.member = h.role
    JOIN pg_roles me ON me.oid = m.member
    WHERE NOT m.roleid = ANY (h.path)
        AND (coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)
            OR coalesce((to_jsonb(m) ->> 'set_option')::boolean, true) OR m.admin_option)
), acl AS (
    SELECT a.grantee, a.grantor, a.is_grantable, a.privilege_type, 'database ' || d.datname AS object,
        a.grantee = d.datdba AS owns
    FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    WHERE d.datname = current_database()
    UNION ALL
    SELECT a.grantee, a.grantor, a.is_grantable, a.privilege_type, 'schema ' || n.nspname, a.grantee = n.nspowner
    FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT a.grantee, a.grantor, a.is_grantable, a.privilege_type,
        CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' WHEN 'm' THEN 'view ' ELSE 'table ' END
            || n.nspname || '.' || c.relname, a.grantee = c.relowner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
        aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT a.grantee, a.grantor, a.is_grantable, a.privilege_type,
        'column ' || n.nspname || '.' || c.relname || '.' || t.attname, false
    FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
        aclexplode(t.attacl) a
    WHERE t.attacl IS NOT NULL AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT a.grantee, a.grantor, a.is_grantable, a.privilege_type,
        'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        a.grantee = p.proowner
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
        aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prosecdef
), said AS (
    SELECT grantee, CASE WHEN bool_or(owns) THEN 'owner of ' || object
        ELSE string_agg(DISTINCT privilege_type, ', ' ORDER BY privilege_type) || ' on ' || object END AS entitlement,
        bool_or(owns OR is_grantable) AS strong, min(pg_get_userbyid(grantor)) AS grantor
    FROM acl GROUP BY grantee, object
), rights AS (
    SELECT grantee, strong, grantor, CASE WHEN length(entitlement) > 200
        THEN left(entitlement, 167) || '~' || md5(entitlement) ELSE entitlement END AS entitlement
    FROM said
), named AS (
    SELECT r.oid AS role, x.entitlement, x.strong
    FROM pg_roles r CROSS JOIN LATERAL (VALUES
        ('SUPERUSER', r.rolsuper, true), ('CREATEROLE', r.rolcreaterole, true), ('CREATEDB', r.rolcreatedb, false),
        ('REPLICATION', r.rolreplication, true), ('BYPASSRLS', r.rolbypassrls, true), ('LOGIN', r.rolcanlogin, false)
    ) AS x(entitlement, held, strong) WHERE x.held
), found AS (
    SELECT h.login, n.entitlement, n.strong, h.via, h.role, h.depth, '' AS grantor FROM held h
        JOIN named n ON n.role = h.role WHERE h.depth = 0 OR n.entitlement <> 'LOGIN'
    UNION ALL
    SELECT h.login, 'role ' || r.rolname, r.rolsuper OR r.rolcreaterole OR r.rolname IN ('pg_execute_server_program',
        'pg_write_server_files', 'pg_read_server_files', 'pg_write_all_data', 'pg_read_all_data', 'pg_maintain'),
        h.via, NULL, h.depth, '' FROM held h JOIN pg_roles r ON r.oid = h.role WHERE h.depth > 0
    UNION ALL
    SELECT h.login, g.entitlement, g.strong, h.via, h.role, h.depth, g.grantor FROM held h
        JOIN rights g ON g.grantee = h.role
), through AS (
    SELECT f.login, f.entitlement, f.strong, f.grantor,
        CASE WHEN f.depth = 0 THEN ''
            WHEN f.role IS NULL THEN coalesce(f.via, '')
            ELSE concat_ws(' in ', nullif(f.via, ''), pg_get_userbyid(f.role)) END AS via
    FROM found f
)
SELECT pg_get_userbyid(t.login) AS account, t.entitlement,
    CASE WHEN bool_or(r.rolsuper AND r.oid = 10) THEN 'shared' WHEN bool_or(r.rolreplication AND NOT r.rolsuper)
        THEN 'service' ELSE 'human' END AS kind,
    CASE WHEN bool_and(r.rolvaliduntil IS NULL OR r.rolvaliduntil > now()) THEN 'yes' ELSE 'no' END AS enabled,
    CASE WHEN bool_or(t.strong) THEN 'yes' ELSE 'no' END AS privileged, min(nullif(t.grantor, '')) AS granted_by,
    left(CASE WHEN bool_and(t.via = '') THEN '' ELSE string_agg(DISTINCT coalesce(nullif(t.via, ''), 'held directly'),
        '; ' ORDER BY coalesce(nullif(t.via, ''), 'held directly')) END, 200) AS inherited_via
FROM through t JOIN pg_roles r ON r.oid = t.login
GROUP BY t.login, t.entitlement
UNION ALL
SELECT 'PUBLIC', g.entitlement, 'shared', 'yes', CASE WHEN g.strong THEN 'yes' ELSE 'no' END, g.grantor, ''
FROM rights g WHERE g.grantee = 0
ORDER BY 1, 2
