# Only built-in names are taken: operators and commands are names where no operator can stand.
(def (if 1) (report 2) (when 3) (Report 4) (Report (Report 5) (Cwnd 6)) (Ack.mine 7) (größe_2.x 8) (true_ish 9))
(when (> if report)
    (:= if when) (:= report Report) (:= when Ack.mine) (:= Report if) (:= Report.Report 1)
    (:= Report.Cwnd größe_2.x) (:= Ack.mine true_ish) (:= größe_2.x 1) (:= true_ish 2)
)
#@ test asm
#|    0  DEF     control.4, #7
#|    1  DEF     control.3, #4
#|    2  DEF     report.1, #6
#|    3  DEF     report.0, #5
#|    4  DEF     control.5, #8
#|    5  DEF     control.0, #1
#|    6  DEF     control.1, #2
#|    7  DEF     control.6, #9
#|    8  DEF     control.2, #3
#| event 0: flag 9..10, body 10..19
#|    9  GT      eventFlag, control.0, control.1
#|   10  BIND    control.0, control.2
#|   11  BIND    control.1, control.3
#|   12  BIND    control.2, control.4
#|   13  BIND    control.3, control.0
#|   14  BIND    report.0, #1
#|   15  BIND    report.1, control.5
#|   16  BIND    control.4, control.6
#|   17  BIND    control.5, #1
#|   18  BIND    control.6, #2
