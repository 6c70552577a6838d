# One without a stand-in must be there.
#@ lacks Flow.rtt_sample_us
#@ test check
(def)
(when (> Flow.rtt_sample_us 5) (:= Cwnd 5))
#~ 10: error[E0303]: this datapath does not have `Flow.rtt_sample_us`
#~     help: use another primitive, or another datapath
