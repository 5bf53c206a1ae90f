create table gold.retail_days as
with weeks as (
    select range::integer as w, date '2012-12-31' + (7 * range)::integer as week from range(56)
), months as (
    select *, w // 52 as y, case when w % 13 < 4 then 0 when w % 13 < 8 then 4 else 8 end + w // 13 * 13 as first_week from weeks
)
select week + d::integer as day, week, date '2012-12-31' + (7 * first_week)::integer as month,
    date '2012-12-31' + (364 * y)::integer as year
from months, range(7) days(d);
