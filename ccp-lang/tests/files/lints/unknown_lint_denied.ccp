# Lint `unknown-lint` can be made an error.
#@ deny unknown-lint
#@ test check
(def)
# deny(never-raed)
#~ 8: error[L0207]: there is no lint `never-raed`
#~     help: did you mean `never-read`?
(when true (:= Cwnd 1))
