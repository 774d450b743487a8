-- What was sent to a person over a channel is looked up by alert_message_line.
DROP INDEX ioc.alert_message_person;
