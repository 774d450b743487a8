"""Reports for leaders: a day, a week or a month on a few pages, made by command and on schedule."""
