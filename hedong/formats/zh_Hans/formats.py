"""How people write days and times into forms. The first of each is how a form shows them, as everywhere else here.

Django's own list for Chinese names the parts of 2026年3月1日 by letters that no parser knows, so it never matches.
"""

DATE_INPUT_FORMATS = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"]
TIME_INPUT_FORMATS = ["%H:%M", "%H:%M:%S", "%H：%M", "%H点%M分", "%H点"]
