-- What is shown and what is heard shall come together: by default a machine that is virtual plays 170 ms late.
alsa_monitor.properties["vm.node.defaults"] = {
  ["api.alsa.period-size"] = 256,
  ["api.alsa.headroom"] = 1024,
}
-- How loud it is, is said where it is heard.
device_defaults.properties["default-volume"] = 1.0
