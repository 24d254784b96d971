"""The template and the artefacts of a deployment, on an emulator of AWS that is not ours."""
