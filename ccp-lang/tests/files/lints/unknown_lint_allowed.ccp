# Lint `unknown-lint` can be silenced.
#@ allow unknown-lint
#@ test check
(def)
# deny(never-raed)
(when true (:= Cwnd 1))
