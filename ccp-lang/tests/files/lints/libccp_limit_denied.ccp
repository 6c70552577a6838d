# Lint `libccp-limit` can be made an error.
#@ deny libccp-limit
#@ limit events=1000
#@ test check
(def)
(when true
    (:= x0 (if Flow.was_timeout Cwnd)) (:= Cwnd (+ Cwnd x0))
    (:= x1 (if Flow.was_timeout Cwnd)) (:= Cwnd (+ Cwnd x1))
    (:= x2 (if Flow.was_timeout Cwnd)) (:= Cwnd (+ Cwnd x2))
    (:= x3 (if Flow.was_timeout Cwnd)) (:= Cwnd (+ Cwnd x3))
    (:= x4 (if Flow.was_timeout Cwnd)) (:= Cwnd (+ Cwnd x4))
    (:= x5 (if Flow.was_timeout Cwnd)) (:= Cwnd (+ Cwnd x5))
    (:= x6 (if Flow.was_timeout Cwnd)) (:= Cwnd (+ Cwnd x6))
    (:= x7 (if Flow.was_timeout Cwnd)) (:= Cwnd (+ Cwnd x7))
    (:= x8 (if Flow.was_timeout Cwnd)) (:= Cwnd (+ Cwnd x8))
#~ 9: error[L0208]: 9 locals, of which libccp has 8
#~     help: nothing is to be done if it is for datapaths with larger limits only
)
