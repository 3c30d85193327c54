from bridge.errors import ADVICE, ERRORS, BridgeError, NotFound, WeightsUnavailable, error_for


def _kinds(kind: type[BridgeError] = BridgeError) -> set[type[BridgeError]]:
    return {kind}.union(*(_kinds(sub) for sub in kind.__subclasses__()))


def test_every_code_has_advice() -> None:
    codes = {kind.code for kind in _kinds() if kind.__module__ == "bridge.errors"}
    assert codes == set(ADVICE) == set(ERRORS)


def test_an_error_says_what_happened_and_then_what_to_do() -> None:
    assert str(NotFound("There is no file x.")) == f"There is no file x. {ADVICE['not_found']}"
    assert (
        str(NotFound("There is no file x.", advice="Look under the sofa."))
        == "There is no file x. Look under the sofa."
    )


def test_an_error_is_one_line() -> None:
    assert "\n" not in str(NotFound("several\nlines\r\nof words"))


def test_an_error_is_rebuilt_from_its_code() -> None:
    error = error_for("weights_unavailable", "Not here. Fetch it.")
    assert type(error) is WeightsUnavailable
    assert str(error) == "Not here. Fetch it."


def test_a_rebuilt_error_has_the_class_of_the_tree_not_a_subclass() -> None:
    class TooFar(NotFound):
        def __init__(self, miles: int) -> None:
            super().__init__(f"It is {miles} miles away.")

    error = error_for("not_found", "There is no file x.", "Look under the sofa.")
    assert type(error) is NotFound
    assert (error.message, error.advice) == ("There is no file x.", "Look under the sofa.")
    assert TooFar(3).code == "not_found"


def test_an_unknown_code_is_still_an_error() -> None:
    assert str(error_for("from_the_future", "Hm.")) == "Hm."
    assert error_for("from_the_future", "Hm.").code == "from_the_future"
