"""Reads what `postgres.sql` answers: the roles of a PostgreSQL server with memberships and rights, as CSV. Pure.

The query is part of the product: an operator runs it with psql, or `manage.py read_grants` runs it over a connection.
Its columns are those of a grant list, so that what is sealed is what the server answered.
"""

from pathlib import Path
from typing import Final

from identities.grantlist import read_grants
from identities.readers.population import Population, population

NOUN = "rows"
QUERY: Final = Path(__file__).with_name("postgres.sql").read_text("utf-8")
COPY: Final = f"COPY (\n{QUERY}) TO STDOUT WITH (FORMAT csv, HEADER)"
COUNT: Final = f"SELECT count(*) FROM (\n{QUERY}) AS held"  # noqa: S608 -- the product's own statement
STATEMENT: Final = f"""-- Save as roles.sql, then: psql -X -q -v ON_ERROR_STOP=1 -f roles.sql > population.csv
-- It changes nothing. psql says the total; the file holds the rows of the same moment.
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SELECT count(*) AS total FROM (
{QUERY}) AS held \\gset
\\warn The total is :total
{COPY};
COMMIT;
"""  # noqa: S608 -- the product's own statement


def read(body: bytes) -> Population:
    """Returns the rights of the roles that the query found.

    Raises:
        BadFile: with one sentence for the first thing that is wrong, such as columns that are not the query's.
    """
    rows = read_grants(body)
    return population(rows, len(rows), NOUN)
