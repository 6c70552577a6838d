# Lint `libccp-limit` warns.
#@ limit events=1000
#@ test check
(def)
(when true
    (:= x0 (+ Cwnd 0)) (:= Cwnd x0)
    (:= x1 (+ Cwnd 1)) (:= Cwnd x1)
    (:= x2 (+ Cwnd 2)) (:= Cwnd x2)
    (:= x3 (+ Cwnd 3)) (:= Cwnd x3)
    (:= x4 (+ Cwnd 4)) (:= Cwnd x4)
    (:= x5 (+ Cwnd 5)) (:= Cwnd x5)
    (:= x6 (+ Cwnd 6)) (:= Cwnd x6)
    (:= x7 (+ Cwnd 7)) (:= Cwnd x7)
    (:= x8 (+ Cwnd 8)) (:= Cwnd x8)
#~ 9: warning[L0208]: 9 locals, of which libccp has 8
#~     help: nothing is to be done if it is for datapaths with larger limits only
)
