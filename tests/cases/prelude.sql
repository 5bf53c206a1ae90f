-- What the hand-written answers of the flights cases read: the gold tables joined once, by hand, with local clocks.
create temp view bad as
select *, visibility_miles < 3 or precipitation_inches >= 0.05 or (wind_speed_mph >= 25 and wind_speed_mph <= 200) as is_bad
from gold.weather;

create temp view wx as
select w.*, w.observed_hour at time zone 'America/New_York' as ny, o.name as airport
from bad w left join gold.airports o on o.faa = w.origin;

create temp view flat as
select
    f.*,
    f.scheduled_departure at time zone 'America/New_York' as ny,
    f.dep_delay_minutes as dd,
    f.arr_delay_minutes as ad,
    l.name as airline,
    o.name as from_name,
    d.name as to_name,
    d.timezone as to_zone,
    d.altitude_feet as to_altitude,
    p.tailnum as known_tailnum,
    p.manufacturer, p.seats, p.engines, p.type as plane_type,
    2013 - p.built_year as age,
    w.is_bad,
    w.temperature_f
from gold.flights f
left join gold.airlines l on l.carrier = f.carrier
left join gold.airports o on o.faa = f.origin
left join gold.airports d on d.faa = f.dest
left join gold.planes p on p.tailnum = f.tailnum
left join bad w on w.origin = f.origin and w.observed_hour = f.scheduled_hour;
