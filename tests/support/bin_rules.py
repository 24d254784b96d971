"""Every row of DOKU's table of BINs."""

from o2o.core.channels import Channel

RULES = {
    (channel, *row): rule for channel in Channel for row, rule in channel.facts.bin_rules.items()
}
