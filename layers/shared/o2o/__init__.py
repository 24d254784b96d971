"""Cash payment codes at Indonesia's convenience stores, through DOKU."""
