import inspect

from datasets import DatasetDict

from hf_dynsel import data


def test_the_public_names_are_sorted_and_exist() -> None:
    assert data.__all__ == sorted(data.__all__)
    assert all(hasattr(data, name) for name in data.__all__)


def test_every_function_that_returns_a_dataset_dict_is_a_loader() -> None:
    functions = {n: f for n in data.__all__ if inspect.isfunction(f := getattr(data, n))}
    returns = {n for n, f in functions.items() if f.__annotations__["return"] is DatasetDict}
    assert set(data.LOADERS) == returns
    assert len(returns) == 6


def test_a_loader_is_called_by_its_name() -> None:
    assert all(loader is getattr(data, name) for name, loader in data.LOADERS.items())
