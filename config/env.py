"""The one place where environment variables are declared, typed and defaulted. ``.env.example`` lists them."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.FileAwareEnv(
    DEBUG=(bool, False),
    ALLOWED_HOSTS=(list, ["localhost", "127.0.0.1", "[::1]"]),
    CSRF_TRUSTED_ORIGINS=(list, []),
    HTTPS=(bool, False),
    DATABASE_URL=(str, f"sqlite:///{VAR_DIR / 'selvedge.sqlite3'}"),
    CELERY_BROKER_URL=(str, "filesystem://"),
    BROKER_DIR=(str, str(VAR_DIR / "broker")),
    EVIDENCE_DIR=(str, str(VAR_DIR / "evidence")),
    LEDGER_KEY_FILE=(str, str(VAR_DIR / "ledger-signing-key.pem")),
    AUDIT_LEASE_SECONDS=(int, 60),
    AUDIT_SWEEP_SECONDS=(int, 15),
    AUDIT_SEED=(int, 20240101),
    DISPLAY_MINIMUM=(int, 10),
    DASK_SCHEDULER_ADDRESS=(str, ""),
    ARTIFACT_TRUSTED_TYPES=(list, []),
    LOG_LEVEL=(str, "INFO"),
)
environ.Env.read_env(BASE_DIR / ".env")
