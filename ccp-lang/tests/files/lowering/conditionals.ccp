(def (Report (r 0) (t false)) (volatile v 3))
(when true
    (:= Report.r (if (> Cwnd 5) (+ Cwnd 1)))
    (:= Report.r (!if Report.t 7))
    (:= v (if Report.t v))
    (:= Cwnd (if (> Cwnd 5) 5))
    (:= Rate (!if Report.t 0))
    (:= Micros (if (> Micros 9) 0))
    (:= local (if Report.t 4))
    (:= local (ewma 3 local))
    (:= Cwnd (ewma 3 local))
    (:= Report.t (if (> local v) true))
    (:= Report.r (+ 1 (:= Cwnd (if Report.t 8))))
    (report)
)
#@ test asm
#|    0  DEF     report.0, #0
#|    1  DEF     report.1, #0
#|    2  DEF     vcontrol.0, #3
#| event 0: flag 3..4, body 4..23
#|    3  BIND    eventFlag, #1
#|    4  GT      tmp.0, Cwnd, #5
#|    5  ADD     tmp.1, Cwnd, #1
#|    6  IF      report.0, tmp.0, tmp.1
#|    7  NOTIF   report.0, report.1, #7
#|    8  IF      vcontrol.0, report.1, vcontrol.0
#|    9  GT      tmp.0, Cwnd, #5
#|   10  IF      Cwnd, tmp.0, #5
#|   11  NOTIF   Rate, report.1, #0
#|   12  GT      tmp.0, Micros, #9
#|   13  IF      Micros, tmp.0, #0
#|   14  IF      local.0, report.1, #4
#|   15  EWMA    local.0, #3, local.0
#|   16  EWMA    Cwnd, #3, local.0
#|   17  GT      tmp.0, local.0, vcontrol.0
#|   18  IF      report.1, tmp.0, #1
#|   19  IF      Cwnd, report.1, #8
#|   20  ADD     tmp.0, #1, Cwnd
#|   21  BIND    report.0, tmp.0
#|   22  BIND    shouldReport, #1
