"""How a model is named and loaded."""

import os
import pathlib

_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # where the libcurl of the wheel looks
_TRUSTED = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def _find_certificates():
    """Tells the wheel's libcurl where this system keeps the certificates that it trusts."""
    if os.path.exists(_CERTIFICATES) or any(os.environ.get(name) for name in _TRUSTED):
        return
    import ssl

    found = ssl.get_default_verify_paths().cafile
    if found is None:
        try:
            import certifi
        except ImportError:
            return
        found = certifi.where()
    os.environ["CURL_CA_BUNDLE"] = found


def text_of(what, value):
    """A name or path as str; None stays None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{what}: expected str or a path, got {type(value).__name__}")


def device_of(device):
    """transformers' devices, -1, 0, "cuda:0", a torch.device, as one of auto, cpu, cuda."""
    if device is None:
        return "auto"
    if isinstance(device, int):
        if isinstance(device, bool) or device not in (-1, 0):
            raise ValueError(f"device {device!r} is unknown, expected -1 (the CPU) or 0 (the first GPU)")
        return "cpu" if device == -1 else "cuda"
    name = str(device)
    return "cuda" if name == "cuda:0" else name


def load(*, model=None, revision=None, adapter=None, tasks=None, dtype="auto", device=None, social="auto",
         long="windows", max_tokens=0, threads=0, offline=False, read_blank=False):
    """A valence._core.Model."""
    from valence import _core

    model = text_of("model", model)
    if revision is not None and not (model is None or model == "default" or pathlib.Path(model).is_dir()):
        if "@" in model:
            raise ValueError(f"model {model!r} names a revision, and revision {revision!r} another")
        model = f"{model}@{revision}"
    if not isinstance(threads, int) or threads < 0:
        raise ValueError(f"threads: expected 0 or more, got {threads!r}")
    if tasks is not None and not isinstance(tasks, str):
        tasks = ",".join(text_of("tasks", task) for task in tasks)
    _find_certificates()
    return _core.Model(
        model=model, adapter=text_of("adapter", adapter), tasks=tasks, dtype=dtype or "auto",
        device=device_of(device), social=social, long_text=long, max_tokens=max_tokens, threads=threads, offline=bool(offline),
        read_blank=read_blank)
