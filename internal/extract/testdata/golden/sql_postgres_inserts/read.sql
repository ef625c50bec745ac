--
-- PostgreSQL database dump
--
CREATE TABLE public.users (
    id bigint NOT NULL,
    mail text,
    passwd text,
    data bytea
);
CREATE TABLE public.rooms (
    id bigint NOT NULL,
    name text
);
CREATE TABLE public.t0 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t1 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t2 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t3 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t4 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t5 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t6 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t7 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t8 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t9 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t10 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t11 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t12 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t13 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t14 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t15 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t16 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t17 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t18 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t19 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t20 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t21 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t22 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t23 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t24 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t25 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t26 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t27 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t28 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t29 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t30 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t31 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t32 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t33 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t34 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t35 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t36 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t37 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t38 (
    id bigint,
    email text,
    note text
);
CREATE TABLE public.t39 (
    id bigint,
    email text,
    note text
);
INSERT INTO public.rooms VALUES (1, 'lab.example');
INSERT INTO public.users VALUES (1, 'jdoe@lab.example', 'C:\', '\x00ff');
INSERT INTO public.users VALUES (2, 'asmith@lab.example', 'it''s', NULL);
INSERT INTO public.users VALUES (3, 'cast@lab.example', 'secret3'::text, '\x'::bytea), (4, 'esc@lab.example', E'a\\b\'c', NULL);
INSERT INTO public.t7 VALUES (1, 'jdoe@lab.example', '5f4dcc3b5aa765d61d8327deb882cf99');
INSERT INTO public.users (mail, passwd) OVERRIDING SYSTEM VALUE VALUES ('over@lab.example', 'secret5') ON CONFLICT DO NOTHING;
