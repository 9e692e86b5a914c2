import pickle

from holdfast.errors import HoldfastError, InvalidItem


def test_an_error_says_what_where_found_expected_and_next() -> None:
    error = HoldfastError("is too long", where="item.id", value="300", expected="256", next_step="shorten it")
    assert str(error) == "item.id: is too long\n  found:    300\n  expected: 256\n  next:     shorten it"


def test_errors_survive_the_way_back_from_a_worker_process() -> None:
    error = InvalidItem("is too long", where="item.id", expected="256")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is InvalidItem
    assert str(again) == str(error)
