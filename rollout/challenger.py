"""What Lambda calls for the challenger: `rollout.challenger.handler`. Its bundle is opened in the init phase."""

from pathlib import Path

from rollout.shadow import make_shadow

handler = make_shadow(Path(__file__).parent.parent / "bundle")
