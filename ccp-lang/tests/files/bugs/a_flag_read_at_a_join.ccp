# A flag that is read where two ways join has to be stored: eBPF code once left it out.
(def (Report (n 0)))
(when (> Ack.bytes_acked 5) (:= Report.n 1) (:= Report.n (if (fallthrough) 2)))
#~ 62: warning[L0205]: this holds for the rest of the invocation, past events that do not fall through
#~     8:2: this event looks as if it stopped the evaluation
#~     9:2: but this one is evaluated too
#~     help: nothing is to be done if both may run; else let their conditions exclude each other
(when (> Ack.bytes_acked 3) (:= Report.n (+ Report.n 10)) (report))
(when true (:= Report.n (+ Report.n 100)) (report))
#@ test run
#@ ack bytes_acked=6
#= cwnd=14480 report=[112]
#@ ack bytes_acked=4
#= cwnd=14480 report=[122]
#@ ack bytes_acked=1
#= cwnd=14480 report=[222]
