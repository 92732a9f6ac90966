"""Generated requests, good and bad, to the operations of one contract's OpenAPI document."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

EXAMPLES = 25
BAD_QUERIES = 6
WITH_BODY = {"POST", "PUT", "PATCH"}

Operation = tuple[str, str]


@dataclass(frozen=True)
class Driver:
    """Tries a contract's operations.

    The good data of those `ruled_by_more` than a schema may be refused, and `lenient` ones may take bad data.
    """

    schema: BaseSchema
    token: str
    ruled_by_more: Collection[str] = ()
    lenient: Collection[str] = ()

    @property
    def documented(self) -> set[Operation]:
        return {(result.ok().method.upper(), result.ok().path) for result in self.schema.get_all_operations()}

    def drive(self, method: str, path: str, mode: GenerationMode) -> None:
        """Every answer is one that the document has, and none says that the service failed."""
        self._try(path, self.schema[path][method].as_strategy(generation_mode=mode), EXAMPLES)

    def ask_wrongly(self) -> None:
        """The same for whatever is only read, by a query: with a bad one."""
        operations = [result.ok() for result in self.schema.get_all_operations()]
        asked = [operation for operation in operations if operation.method == "get" and len(operation.query)]
        assert asked
        for operation in asked:
            cases = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE).filter(_asks_wrongly)
            self._try(operation.path, cases, BAD_QUERIES)

    def _try(self, path: str, cases: SearchStrategy[schemathesis.Case], examples: int) -> None:
        excluded = [
            ignored_auth,  # the token comes from here, not from the generated case
            *([positive_data_acceptance] if path in self.ruled_by_more else []),
            *([negative_data_rejection] if path in self.lenient else []),
        ]

        @given(case=cases)
        @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def try_it(case: schemathesis.Case) -> None:
            response = case.call(headers={"Authorization": f"Bearer {self.token}"})
            case.validate_response(response, excluded_checks=excluded)
            assert response.status_code < 500

        try_it()


def _asks_wrongly(case: schemathesis.Case) -> bool:
    """Rather than that only a header is bad, of which the token is one that comes from here."""
    query = case.meta and case.meta.components.get(ParameterLocation.QUERY)
    return bool(query and query.mode.is_negative)


def modes(operations: Iterable[Operation]) -> list[tuple[str, str, GenerationMode]]:
    """How each is tried: a path alone cannot be bad, for every text is a name; for a bad query there is ask_wrongly."""
    good = [(method, path, GenerationMode.POSITIVE) for method, path in operations]
    return good + [(method, path, GenerationMode.NEGATIVE) for method, path, _ in good if method in WITH_BODY]
