# A stand-in needs what it is made of.
#@ base
#@ lacks Flow.bytes_pending
#@ test check
(def)
(when Flow.app_limited (:= Cwnd 5))
#~ 7: error[E0303]: this datapath does not have `Flow.bytes_pending`, which stands in for this
#~     help: use another primitive, or another datapath
